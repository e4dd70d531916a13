"""The process and the machine: files that survive a crash, caches, other processes, memory allocation, versions."""
