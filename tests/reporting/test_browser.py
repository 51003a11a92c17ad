"""The browser of the tests: what a page complains of is not overlooked."""

import pytest

PAGE = "<!doctype html><title>Some page</title><body>{}</body>"


def test_a_good_page(page):
    page.open(PAGE.format("<p>Words.</p>"))
    assert page.evaluate("document.querySelector('p').textContent") == "Words."


@pytest.mark.parametrize(
    "fault",
    [
        "<script>throw new Error('a fault')</script>",
        "<script>this is no JavaScript</script>",
        "<script>console.error('a fault')</script>",
        "<script>Promise.reject(new Error('a fault'))</script>",
        "<img src='missing.png' alt=''>",
        "<link rel='stylesheet' href='missing.css'>",
    ],
)
def test_a_fault_is_seen(page, fault):
    page.open(PAGE.format(fault))
    with pytest.raises(AssertionError, match=r"exceptionThrown|entryAdded|consoleAPICalled"):
        page.evaluate("new Promise((done) => setTimeout(done, 50))")


def test_a_fault_of_an_expression_is_seen(page):
    page.open(PAGE.format(""))
    with pytest.raises(AssertionError, match="nothing is not defined"):
        page.evaluate("nothing")
