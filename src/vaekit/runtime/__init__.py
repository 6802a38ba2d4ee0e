"""What a process runs on: seeds, devices, the other processes, progress on a terminal."""
