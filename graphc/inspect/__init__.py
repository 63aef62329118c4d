"""Looking into graphs: pictures, reports."""
