"""What was observed: tables read with care, and series of any frequency put on one monthly calendar."""
