"""Living lives: one life in one scan, and populations of genomes that live many."""
