"""What people and programs touch: HTTP, console, command line, processes; and the wiring that picks drivers."""
