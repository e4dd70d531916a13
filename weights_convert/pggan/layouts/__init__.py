"""The layouts of PGGAN files, one file for each project; they are found because they lie here."""
