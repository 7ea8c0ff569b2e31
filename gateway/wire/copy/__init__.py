"""COPY data, both ways: text, csv and binary."""
