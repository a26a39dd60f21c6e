"""What these machines cannot hold: the driver's own code, run against a cluster that is simulated.

`cluster` is the simulated backend of cipin_ray.window, `times` how long shards take, `driver` what the driver's own
code costs, `ray_costs` what Ray adds to it, `scenario` puts them together, `invariants` watches, `local` compares with
real runs, `__main__` prints the table.
"""
