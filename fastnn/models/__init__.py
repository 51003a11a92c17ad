"""The export of trained networks: model files, and models of other libraries."""
