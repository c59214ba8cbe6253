"""The chi-square functions against scipy's, which only the tests have."""

from __future__ import annotations

import pytest
from scipy.stats import chi2 as known
from scipy.stats import ncx2

from specdec_cli.verify import chi2

DEGREES = [1, 2, 5, 40, 300]


@pytest.mark.parametrize("df", DEGREES)
@pytest.mark.parametrize("x", [0.0, 1e-3, 1.0, 5.0, 40.0, 100.0, 500.0, 3000.0])
def test_survival(df: int, x: float) -> None:
    assert chi2.survival(x, df) == pytest.approx(known.sf(x, df), rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("df", DEGREES)
@pytest.mark.parametrize("level", [0.5, 1e-3, 1e-8])
def test_critical(df: int, level: float) -> None:
    assert chi2.critical(level, df) == pytest.approx(known.isf(level, df), rel=1e-8)


@pytest.mark.parametrize("df", DEGREES)
@pytest.mark.parametrize("noncentrality", [0.0, 0.5, 10.0, 200.0])
def test_power(df: int, noncentrality: float) -> None:
    expected = ncx2.sf(known.isf(1e-4, df), df, noncentrality) if noncentrality else 1e-4
    assert chi2.power(df, 1e-4, noncentrality) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_what_is_detectable_is_found_by_both_tests() -> None:
    found = chi2.detectable(20, (1e-4, 1e-5), 0.9)
    first = ncx2.sf(known.isf(1e-4, 20), 20, found)
    second = ncx2.sf(known.isf(1e-5, 20), 20, 2 * found)
    assert first * second == pytest.approx(0.9, abs=1e-4)
