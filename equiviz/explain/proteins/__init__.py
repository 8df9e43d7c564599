"""What a network's preferences for amino acids say of a protein: scans, mutations, reasons, perturbations."""
