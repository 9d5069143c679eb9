"""Reads what /metrics says, for tests."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

Samples = dict[str, float]


def samples(text: str) -> Samples:
    """Return every sample by its name and labels, such as `vidu_jobs_total{outcome=failed}`."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def counted(text: str, name: str) -> Samples:
    """Return what was counted under a name, by label, without what is still at zero."""
    return {
        key.removeprefix(name): value
        for key, value in samples(text).items()
        if key.partition("{")[0] == name and value
    }
