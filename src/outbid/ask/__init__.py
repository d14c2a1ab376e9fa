"""So what? What interventions do, over a posterior, against each other."""
