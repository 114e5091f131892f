"""Tables of predictions: read from and written to CSV, TSV and Parquet files, or CSV on standard input and output.

A table has one row per instance, the columns of its classifiers with their probabilities (blank = not predicted) and
a label column (blank = unlabelled) and a column of identifiers where they are named. With two classes a classifier has
one column, its probability of the positive class, the last of the two labels in sorted order; with more it has one
column per class, named `model:class`. Rows are counted from 1 and without the header, in messages as in default
identifiers.
"""

from cfensemble.tables.classifier_columns import ClassifierColumns, listed
from cfensemble.tables.fields import identifiers
from cfensemble.tables.formats import STANDARD_STREAM, check_new_file, check_output, name_of
from cfensemble.tables.prediction_table import PredictionTable, read_table, write_table
from cfensemble.tables.results import ResultWriter, open_results, result_columns, write_results
from cfensemble.tables.sources import Block, Source, open_source

__all__ = [
    "STANDARD_STREAM",
    "Block",
    "ClassifierColumns",
    "PredictionTable",
    "ResultWriter",
    "Source",
    "check_new_file",
    "check_output",
    "identifiers",
    "listed",
    "name_of",
    "open_results",
    "open_source",
    "read_table",
    "result_columns",
    "write_results",
    "write_table",
]
