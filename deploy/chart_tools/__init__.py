"""Write what in deploy/chart follows from other files, and run Helm: `make chart`."""
