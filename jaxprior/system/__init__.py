"""The machine under the library: files on disk, memory allocation, compiled programs, versions and devices."""
