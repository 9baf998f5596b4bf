"""What the training and evaluation scripts share: data, sounds, figures, plots, cards."""
