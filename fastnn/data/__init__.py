"""Tables in: columns chosen, converted and scaled, and what their numbers are compared with."""
