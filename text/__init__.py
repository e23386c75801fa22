"""What every part knows about text: language, sentences, terms, and the encoder."""
