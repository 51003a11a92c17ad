"""The description of a network: names, order and layout of its parameters, and what it refuses."""

import copy
import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

from fastnn.checking import InputError
from fastnn.core.activations import ACTIVATIONS
from fastnn.core.network import Network

KNOWN = ", ".join(map(repr, ACTIVATIONS))

CLASSROOM = Network((2, 2, 1))


@st.composite
def networks(draw):
    """Any small network."""
    layers = draw(st.lists(st.integers(1, 5), min_size=2, max_size=5))
    activations = st.sampled_from([*ACTIVATIONS])
    return Network(layers, [draw(activations) for _ in layers[1:-1]], draw(activations))


def nested(layers):
    """What `Network.split` gives, as lists: all weights, all biases."""
    weights, biases = zip(*layers, strict=True)
    return [W.tolist() for W in weights], [b.tolist() for b in biases]


class TestClassroom:
    """2-2-1, as the notebook names it."""

    def test_names_in_their_order(self):
        assert CLASSROOM.parameter_names == ("w1", "w2", "w3", "w4", "w5", "w6", "b1", "b2", "b3")

    def test_sizes(self):
        assert (CLASSROOM.n_inputs, CLASSROOM.n_outputs) == (2, 1)
        assert (CLASSROOM.n_weights, CLASSROOM.n_parameters) == (6, 9)

    def test_activations(self):
        assert CLASSROOM.activations == ("relu", "identity")

    def test_slices(self):
        assert CLASSROOM.slices == ((slice(0, 4), slice(6, 8)), (slice(4, 6), slice(8, 9)))

    def test_split(self):
        """w1, w2 feed hidden unit 1; w3, w4 hidden unit 2; w5, w6 the output."""
        weights, biases = nested(CLASSROOM.split(np.array([1, 2, 3, 4, 5, 6, -1, -2, -3])))
        assert weights == [[[1, 2], [3, 4]], [[5, 6]]]
        assert biases == [[-1, -2], [-3]]


@pytest.mark.parametrize(
    ("layers", "n_weights", "n_biases"),
    [((1, 1), 1, 1), ((3, 2), 6, 2), ((3, 4, 2), 20, 6), ((10, 32, 32, 1), 1376, 65)],
)
def test_numbers_of_parameters(layers, n_weights, n_biases):
    net = Network(layers)
    assert (net.n_weights, net.n_parameters) == (n_weights, n_weights + n_biases)
    assert net.parameter_names == (
        *(f"w{n}" for n in range(1, n_weights + 1)),
        *(f"b{n}" for n in range(1, n_biases + 1)),
    )


class TestLayout:
    @given(networks())
    def test_slices_cover_every_parameter_once(self, net):
        pieces = [piece for pair in net.slices for piece in pair]
        covered = [n for piece in pieces for n in range(net.n_parameters)[piece]]
        assert sorted(covered) == list(range(net.n_parameters))

    @given(networks())
    def test_split_is_the_layout_of_the_reference(self, net):
        flat = np.arange(net.n_parameters)
        assert nested(net.split(flat)) == reference.split(net.layers, flat.tolist())

    @given(networks(), st.lists(st.integers(1, 3), max_size=2))
    def test_join_undoes_split(self, net, networks):
        flat = np.arange(np.prod([*networks, net.n_parameters])).reshape(*networks, net.n_parameters)
        split = net.split(flat)
        for (W, b), inputs, units in zip(split, net.layers, net.layers[1:], strict=False):
            assert (W.shape, b.shape) == ((*networks, units, inputs), (*networks, units))
        assert np.array_equal(net.join(split), flat)

    @given(networks(), st.integers(1, 4))
    def test_many_networks_are_split_like_each(self, net, n_networks):
        flat = np.arange(n_networks * net.n_parameters).reshape(n_networks, -1)
        for m in range(n_networks):
            one = [(W[m], b[m]) for W, b in net.split(flat)]
            assert nested(one) == nested(net.split(flat[m]))

    @pytest.mark.parametrize("shape", [(9,), (4, 9)])
    def test_split_gives_views(self, shape):
        flat = np.zeros(shape)
        for W, b in CLASSROOM.split(flat):
            W += 1
            b += 2
        assert (flat[..., :6] == 1).all()
        assert (flat[..., 6:] == 2).all()

    def test_join_copies(self):
        flat = np.arange(9.0)
        joined = CLASSROOM.join(CLASSROOM.split(flat))
        assert not np.shares_memory(joined, flat)

    def test_lists_are_taken(self):
        assert CLASSROOM.join([([[1, 2], [3, 4]], [7, 8]), ([[5, 6]], [9])]).tolist() == list(range(1, 10))
        assert nested(CLASSROOM.split(range(9)))[1] == [[6, 7], [8]]

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_dtype_is_kept(self, dtype):
        split = CLASSROOM.split(np.zeros(9, dtype))
        assert {str(array.dtype) for pair in split for array in pair} == {dtype}
        assert CLASSROOM.join(split).dtype == dtype


class TestDescription:
    """A network is a frozen value."""

    @pytest.mark.parametrize(
        ("net", "text"),
        [
            (CLASSROOM, "Network((2, 2, 1), hidden='relu', output='identity')"),
            (Network((3, 1), output="tanh"), "Network((3, 1), output='tanh')"),
            (
                Network((1, 2, 3, 1), ("relu", "tanh")),
                "Network((1, 2, 3, 1), hidden=('relu', 'tanh'), output='identity')",
            ),
        ],
    )
    def test_repr(self, net, text):
        assert repr(net) == text

    @given(networks())
    def test_repr_evaluates_to_it(self, net):
        assert eval(repr(net)) == net  # noqa: S307 - its own repr

    @given(networks())
    def test_pickled_copied_and_replaced(self, net):
        assert pickle.loads(pickle.dumps(net)) == net  # noqa: S301 - its own pickle
        assert copy.deepcopy(net) == net
        assert replace(net) == net

    def test_equal_however_it_was_written(self):
        same = Network([np.int64(2), 2, 1], ["relu"], "identity")
        assert same == CLASSROOM
        assert hash(same) == hash(CLASSROOM)
        assert len({same, CLASSROOM}) == 1
        assert all(type(size) is int for size in same.layers)

    @pytest.mark.parametrize(
        "other",
        [
            *(Network((2, 2, 2)), Network((2, 1)), Network((2, 2, 1), "tanh")),
            *(Network((2, 2, 1), output="relu"), (2, 2, 1)),
        ],
    )
    def test_not_equal(self, other):
        assert other != CLASSROOM

    def test_equal_after_its_names_were_asked_for(self):
        fresh = Network((2, 2, 1))
        assert CLASSROOM.parameter_names
        assert fresh == CLASSROOM
        assert hash(fresh) == hash(CLASSROOM)

    @pytest.mark.parametrize("name", ["layers", "hidden", "output", "n_inputs"])
    def test_frozen(self, name):
        with pytest.raises((FrozenInstanceError, AttributeError)):
            setattr(CLASSROOM, name, (3, 3))

    def test_one_name_for_all_hidden_layers(self):
        assert Network((1, 2, 2, 2, 1), "tanh").hidden == ("tanh", "tanh", "tanh")
        assert Network((1, 1), "tanh").hidden == ()
        assert Network((1, 1), ()) == Network((1, 1))


class TestRefused:
    @pytest.mark.parametrize(
        ("layers", "message"),
        [
            ((2, 0, 1), r"each of layers must be a whole number of at least 1; got 0\. Choose one"),
            ((2, -3), "each of layers must be a whole number of at least 1; got -3"),
            ((2, 2.0, 1), r"each of layers must be a whole number of at least 1; got 2\.0\. Write 2\."),
            ((np.float64(2), 1), "each of layers must be a whole number"),
            ((2, True), "each of layers must be a whole number of at least 1; got True"),
            ((2, np.True_), "each of layers must be a whole number"),
            ((2, "1"), "each of layers must be a whole number of at least 1; got '1'"),
            ((2, None), "each of layers must be a whole number of at least 1; got None"),
            (((2, 2), 1), r"each of layers must be a whole number of at least 1; got \(2, 2\)"),
            ("221", "layers must be a sequence of whole numbers; got '221'. Give the units of each layer"),
            (b"\2\2\1", "layers must be a sequence of whole numbers; got b'"),
            (3, r"layers must be a sequence of whole numbers; got 3\. Give .* such as \(2, 2, 1\)"),
            (None, "layers must be a sequence of whole numbers; got None"),
            ({2, 1}, r"layers must be a sequence of whole numbers; got \{1, 2\}"),
            ({2: "in", 1: "out"}, "layers must be a sequence of whole numbers; got {2: 'in'"),
            ((), r"layers must name at least inputs and outputs; got \(\)"),
            ((3,), r"layers must name at least inputs and outputs; got \(3,\)\. Give the units"),
        ],
    )
    def test_layers(self, layers, message):
        with pytest.raises(InputError, match=f"^{message}"):
            Network(layers)

    @pytest.mark.parametrize(
        ("hidden", "message"),
        [
            (
                "ReLU",
                f"hidden must be one of {KNOWN}; got 'ReLU' .*relu.*Choose one",
            ),
            ("", "hidden must be one of"),
            (None, "hidden must be one of 'relu'.*; got None"),
            (3, "hidden must be one of 'relu'.*; got 3"),
            (("relu", "gelu"), "each of hidden must be one of 'relu'.*; got 'gelu'"),
            (("relu", None), "each of hidden must be one of 'relu'.*; got None"),
            (b"relu", "each of hidden must be one of 'relu'.*"),
            ({"relu", "tanh"}, "hidden must be one of 'relu'.*; got {'"),
            (("relu",), r"hidden must name one activation for each of 2 hidden layers; got \('relu',\)"),
            (("relu",) * 3, "hidden must name one activation for each of 2 hidden layers; .* Give one name"),
            ((), "hidden must name one activation for each of 2 hidden layers"),
        ],
    )
    def test_hidden(self, hidden, message):
        with pytest.raises(InputError, match=f"^{message}"):
            Network((2, 3, 3, 1), hidden)

    def test_an_unknown_name_for_no_hidden_layer(self):
        with pytest.raises(InputError, match=r"^hidden must be an activation of single units; got 'softmax'"):
            Network((2, 1), "softmax")
        with pytest.raises(InputError, match=r"^each of hidden must be an activation of single units"):
            Network((2, 2, 2, 1), ["relu", "softmax"])
        with pytest.raises(InputError, match=r"^hidden must be one of .*; got 'softplux'"):
            Network((2, 1), "softplux")

    def test_softmax_of_one_output(self):
        with pytest.raises(
            InputError, match=r"^output must be another activation than 'softmax' .*'sigmoid'"
        ):
            Network((2, 1), output="softmax")
        assert Network((2, 2), output="softmax").output == "softmax"

    @pytest.mark.parametrize("output", ["soft", "Identity", None, ("relu",), 1])
    def test_output(self, output):
        with pytest.raises(InputError, match=f"^output must be one of {KNOWN}, 'softmax';"):
            Network((2, 1), output=output)

    @pytest.mark.parametrize("shape", [(), (0,), (8,), (10,), (9, 1), (9, 4)])
    def test_parameters_of_another_length(self, shape):
        with pytest.raises(
            InputError, match=r"^parameters must hold 9 numbers for Network\(.*; got shape \("
        ):
            CLASSROOM.split(np.zeros(shape))

    def test_the_order_is_told(self):
        with pytest.raises(InputError, match=r"Give them in the order w1, w2, w3, \.\.\.$"):
            CLASSROOM.split([1.0])

    @pytest.mark.parametrize(
        "shapes",
        [
            [((2, 2), (2,))],
            [((2, 2), (2,)), ((2, 1), (1,))],
            [((2, 2), (2,)), ((1, 2), (2,))],
            [((4,), (2,)), ((1, 2), (1,))],
            [((2, 2), (2,)), ((1, 2), ())],
            [((2, 2), (2,)), ((1, 2), (1,)), ((1, 1), (1,))],
            [],
        ],
    )
    def test_join_of_other_shapes(self, shapes):
        layers = [(np.zeros(W), np.zeros(b)) for W, b in shapes]
        with pytest.raises(InputError, match=r"^layers must hold \(W, b\) of shapes .*transpose it"):
            CLASSROOM.join(layers)


@pytest.mark.parametrize("layers", [[1, 2], 3, None, [([[1]], [1], [1])], [([[1, 2], [3]], [1])]])
def test_join_of_no_pairs(layers):
    with pytest.raises(InputError, match=r"layers must hold a pair of arrays \(W, b\) for each layer; got"):
        CLASSROOM.join(layers)


def test_join_refuses_leading_axes_that_differ():
    net = Network((2, 1))
    with pytest.raises(InputError, match="layers must hold"):
        net.join([(np.zeros((3, 1, 2)), np.zeros(1))])
