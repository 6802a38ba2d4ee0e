"""Runtime: seeds, devices, processes, and progress on a terminal."""
