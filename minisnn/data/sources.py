"""The files of each data set: official addresses, digests, and where they are on this machine."""

from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from . import download


@dataclass(frozen=True)
class Source:
    """Address of a folder on a server, and the MD5 digest of each file in it, as its authors publish them."""

    url: str
    digests: dict[str, str]


# SVHN's authors publish their digests; those of MNIST and Fashion-MNIST are torchvision's.
SOURCES = {
    "svhn": Source(
        "http://ufldl.stanford.edu/housenumbers/",
        {"train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373", "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3"},
    ),
    "mnist": Source(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        {
            "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
            "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
            "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
        },
    ),
    "fashion-mnist": Source(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        {
            "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
            "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
            "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
        },
    ),
}


class Files:
    """The files of a data set in a folder: a given one as it is, or the cache, where missing files are downloaded."""

    def __init__(self, name: str, data_dir: str | Path | None = None, fetch: bool = True, progress: bool = False):
        self.source = SOURCES[name]
        self.folder = download.cache_folder(name) if data_dir is None else Path(data_dir)
        self.fetch = fetch and data_dir is None
        self.progress = progress
        if data_dir is not None and not self.folder.is_dir():
            wrong = "is no folder" if self.folder.exists() else "does not exist"
            raise InputError(f"the data folder {self.folder} {wrong}; name one that holds the files of {name}")

    def find(self, *names: str) -> Path:
        """Return the first of `names` that exists, else download the first of them."""
        for name in names:
            if (self.folder / name).is_file():
                return self.folder / name
        path, url = self.folder / names[0], self.source.url + names[0]
        if not self.fetch:
            raise InputError(f"{path} is missing; get it from {url}")
        download.fetch(url, path, self.source.digests[names[0]], self.progress)
        return path
