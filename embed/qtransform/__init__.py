"""From strain to normalised Q-transform energies: whitening, tiling, the loudest plane, pictures."""
