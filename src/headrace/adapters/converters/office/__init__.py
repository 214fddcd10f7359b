"""Documents, workbooks and presentations of office programs, and the tables that they hold."""
