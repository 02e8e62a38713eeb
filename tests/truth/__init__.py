"""What each section must answer, in plain Python from the sample's files, apart from every line of SQL."""
