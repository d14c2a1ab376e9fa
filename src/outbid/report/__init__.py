"""The report: plain results in, sentences, figures and one self-contained page out."""
