"""What the clusters of a label are compared with."""

from discovery.candidates.known import absent_classes
from embed.gravityspy import CLASSES


def test_the_classes_that_a_study_lacks_are_named():
    said = absent_classes(["Whistle", "Blip"])
    assert said.startswith(
        "A new class is none of those that this study knows: Blip, Whistle. Gravity Spy has other classes"
    )
    assert "Fast_Scattering" in said.partition("compared: ")[2].split(", ")
    assert "None_of_the_Above" not in said
    assert absent_classes([name for name in CLASSES if name != "Helix"]).endswith("nothing was compared: Helix")


def test_nothing_is_said_where_none_is_absent_or_the_classes_are_others():
    assert absent_classes(CLASSES) == absent_classes([]) == absent_classes(["Spiral", "Edge_on"]) == ""
