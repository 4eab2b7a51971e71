"""How X is stored and multiplied. `Dense` is the design of today; see `blrzoo.designs.base`."""
