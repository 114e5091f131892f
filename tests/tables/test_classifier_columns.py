import re

import numpy as np
import pytest

from cfensemble.tables import ClassifierColumns, PredictionTable, read_table, write_table

NAN = np.nan


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "table.csv"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("names", "classifiers", "classes"),
    [
        (["a", "b"], ("a", "b"), None),
        (["a:x", "a:y", "b:x", "b:y"], ("a", "b"), ("x", "y")),
        (["a:x", "b:y", "a:y", "b:x"], ("a", "b"), ("x", "y")),
        (["k:a:x", "k:a:y"], ("k:a",), ("x", "y")),
        (["a:x", "b:x"], ("a:x", "b:x"), None),
        (["a:x", "a:y", "b:x"], ("a:x", "a:y", "b:x"), None),
        (["a:x", "a:y", "b"], ("a:x", "a:y", "b"), None),
        ([":x", ":y"], (":x", ":y"), None),
    ],
)
def test_columns_belong_together_if_every_model_has_the_same_two_or_more_classes(names, classifiers, classes):
    assert ClassifierColumns.of(names) == ClassifierColumns(classifiers, classes)


def test_a_table_of_more_classes_is_read_with_the_classes_sorted(write):
    text = "k,m:10,m:9,m:2,t\nx,.2,.3,.5,9\ny,,,,\nz,0,1,0,10\nw,1,0,0,2\n"
    table = read_table(write(text), "t", "k")
    assert table.is_multiclass
    assert (table.classes, table.classifiers) == ((2, 9, 10), ("m",))
    np.testing.assert_array_equal(table.R, [[[0.5, NAN, 0, 0], [0.3, NAN, 1, 0], [0.2, NAN, 0, 1]]])
    np.testing.assert_array_equal(table.labels, [1, NAN, 2, 0])
    assert table.label_counts() == {2: 1, 9: 1, 10: 1}


def test_two_class_columns_make_a_table_of_two_classes(write):
    table = read_table(write("m:yes,m:no,t\n.25,.75,yes\n,,no\n"), "t")
    assert (table.classes, table.classifiers) == (("no", "yes"), ("m",))
    np.testing.assert_array_equal(table.R, [[0.25, NAN]])
    np.testing.assert_array_equal(table.labels, [1, 0])


@pytest.mark.parametrize("chosen", [["n"], ["n:a", "n:b", "n:c"]])
def test_a_model_is_chosen_by_its_name_or_its_columns(write, chosen):
    table = read_table(write("m:a,note,n:a,n:b,n:c,t\n2,x,.5,.25,.25,a\n2,y,.25,.5,.25,b\n"), "t", classifiers=chosen)
    assert (table.classes, table.classifiers) == (("a", "b", "c"), ("n",))
    np.testing.assert_array_equal(table.R[0, :, 1], [0.25, 0.5, 0.25])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "m:a,m:b,t\n.5,.5,a\n.5,.4,b\n",
            "classifier 'm', row 2 (line 3): its probabilities sum to 0.9; over the classes",
        ),
        (
            "m:a,m:b,t\n.5,.5,a\n.5,,b\n",
            "classifier 'm', row 2 (line 3): column 'm:b' is blank, another class's is not",
        ),
        ("m:a,m:b,t\n.5,.5,a\n1.5,-.5,b\n", "classifier column 'm:a', row 2 (line 3): holds 1.5"),
        (
            "m:a,m:b,t\n.5,.5,a\n.5,.5,c\n",
            "label column 't', row 2 (line 3): holds 'c', which is no class of the columns",
        ),
        (
            "m:a,m:b,t\n.5,.5,0\n.5,.5,1\n",
            "label column 't', row 1 (line 2): holds 0, which is no class of the columns",
        ),
        ("m:a,m:b,m:c,n:a,n:b,t\n0,0,1,0,1,a\n0,0,1,0,1,b\n0,0,1,0,1,c\n", "each classifier; missing: 'n:c'"),
    ],
)
def test_faulty_class_columns_are_refused_with_the_place(write, text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        read_table(write(text), "t")


def test_sums_may_be_off_by_a_thousandth(write):
    assert read_table(write("m:a,m:b,t\n.5,.5009,a\n.5,.4991,b\n"), "t").R.shape == (1, 2)


def test_a_written_table_of_more_classes_reads_back_as_it_was(tmp_path):
    P = np.random.default_rng(0).dirichlet(np.ones(3), (2, 4)).transpose(0, 2, 1)
    P[1, :, 2] = NAN
    table = PredictionTable(range(1, 5), P, np.array([0, NAN, 2, 1]), ("u", "v"), None, "t", ("a", "b", "c"))
    write_table(tmp_path / "table.csv", table)
    again = read_table(tmp_path / "table.csv", "t")
    np.testing.assert_array_equal(again.R, P)
    np.testing.assert_array_equal(again.labels, table.labels)
    assert (again.classes, again.classifiers) == (table.classes, table.classifiers)


@pytest.mark.parametrize(
    ("classifiers", "classes"),
    [(("m",), ("a:b", "c", "d")), (("m",), ("", "c", "d")), (("m:a", "m:b"), (0, 1)), (("",), ("a", "b", "c"))],
)
def test_a_table_that_would_be_read_as_another_is_not_written(tmp_path, classifiers, classes):
    R = np.full((len(classifiers), len(classes), 2), 1 / len(classes))
    table = PredictionTable(range(2), R if len(classes) > 2 else R[:, 0], np.zeros(2), classifiers, None, "t", classes)
    with pytest.raises(ValueError, match=r"would be read as those of other classifiers or classes; .* without ':'"):
        write_table(tmp_path / "table.csv", table)
    assert not list(tmp_path.iterdir())


def test_names_of_classifiers_may_hold_the_separator_where_nothing_else_can_be_read(tmp_path):
    for classifiers, classes in ((("k:m", "l"), ("a", "b", "c")), (("k:m", "l:m"), (0, 1))):
        R = np.full((2, len(classes), 2), 1 / len(classes))
        R = R if len(classes) > 2 else R[:, 0]
        table = PredictionTable(range(2), R, np.zeros(2), classifiers, None, "t", classes)
        write_table(tmp_path / "table.csv", table, force=True)
        again = read_table(tmp_path / "table.csv", "t")
        assert (again.classifiers, again.classes) == (classifiers, classes)
