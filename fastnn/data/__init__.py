"""The import of tables: columns are chosen, converted and scaled; metrics compare their numbers."""
