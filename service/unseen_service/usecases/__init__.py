"""The business operations, one function each: what a route or a command asks for."""
