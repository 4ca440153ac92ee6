"""Reading what lies on disk or on a hub: folders, lists, tables, archives."""
