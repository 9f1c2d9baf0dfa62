"""What people can ask for: the commands' one table, and how an interaction becomes a command."""
