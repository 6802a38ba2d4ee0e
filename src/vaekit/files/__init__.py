"""Files: written whole or not at all, read if they are regular, locked by one process."""
