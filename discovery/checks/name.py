"""The check of ``discover name``."""

from argparse import Namespace

from discovery.candidates.doubted import all_but
from discovery.candidates.namefile import read_names
from discovery.candidates.naming import name_cluster
from embed.errors import InputError
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse a cluster that the clustering lacks, a name that cannot be one, and a file of names of another clustering."""
    if (options.file is None) == (options.name is None) or (options.file is not None and options.cluster is not None):
        raise InputError(
            "give a cluster and its name, such as `discover name 0 Reverse_Chirp`, or a file of names, such as `discover name --from names.csv`"
        )
    if options.without and options.file is not None:
        raise InputError(
            "--without is for one cluster; name it alone, such as `discover name 0 Reverse_Chirp --without ID`"
        )
    with Study(options.study) as study:
        if options.file is not None:
            read_names(study, options.file, options.label)
        else:
            if options.without:
                all_but(study, options.cluster, options.without, options.label)
            name_cluster(study, options.cluster, options.name, label=options.label, dry_run=True)
