"""Map pages of made-up glitches, and what a browser shows of them."""

import json
import re

import numpy as np
import pandas as pd

from discovery.explorer.explorer import embedding_html
from discovery.explorer.mapdata import BesideMap
from discovery.pages.thumbnails import Thumbnails
from embed.vectors.graph import neighbour_graph

DURATIONS = (0.5, 1.0, 2.0, 4.0)
COUNT = 60
"""Glitches of the page that the browser tests share."""
EVIL = "</script><script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>\u2028\"&'"


def thumbnails(count=24, height=24, width=32, views=4, seed=0):
    rng = np.random.default_rng(seed)
    present = np.ones((count, views), bool)
    present[5, : views - 1] = False
    return Thumbnails(rng.integers(0, 256, (count, views, height, width), dtype=np.uint8), DURATIONS[:views], present)


def table(count=24):
    cluster = np.arange(count) % 4 - 1
    return pd.DataFrame(
        {
            "id": [f"H1_{row:04d}" for row in range(count)],
            "label": [EVIL if row % 3 == 0 else ("Blip" if row % 3 == 1 else "Koi_Fish") for row in range(count)],
            "ifo": ["H1", "L1"] * (count // 2),
            "gps": 1126259462.0 + np.arange(count) * 1e6,
            "cluster": cluster,
            "probability": np.where(cluster < 0, 0.0, 0.5 + np.arange(count) / 100),
        }
    )


def coordinates(count=24, dims=3, seed=1):
    return np.random.default_rng(seed).normal(size=(count, dims)).astype(np.float32)


def page(count=24, dims=3, color="label", **options):
    given = {"title": f"Test {EVIL}", "method": "UMAP", "facts": {"Passport": EVIL}, **options}
    return embedding_html(table(count), coordinates(count, dims), thumbnails(count), color=color, dims=dims, **given)


def data_of(html):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL).group(1))


READY = "document.documentElement?.dataset.ready"
PIXELS = """(() => {
  const canvas = document.querySelector(`#%s canvas[data-duration="%s"]`);
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return { id: canvas.dataset.id, width: data.width, height: data.height, data: Array.from(data.data) };
})()"""


#: Where plotly's camera puts points of the turning map, in pixels of the window.
ON_SCREEN = """(() => {
  const plot = document.querySelector("#plot"), box = plot.getBoundingClientRect();
  const scene = plot._fullLayout.scene._scene, camera = scene.glplot.cameraParams;
  const times = (m, v) => [0, 1, 2, 3].map((i) => m[i] * v[0] + m[4 + i] * v[1] + m[8 + i] * v[2] + m[12 + i] * v[3]);
  return %s.map((point) => {
    const v = [...point.map((x, k) => x * scene.dataScale[k]), 1];
    const p = times(camera.projection, times(camera.view, times(camera.model, v)));
    return [box.x + (box.width * (1 + p[0] / p[3])) / 2, box.y + (box.height * (1 - p[1] / p[3])) / 2];
  });
})()"""


def quiet(browser):
    """Nothing but remarks on speed was said; nothing but the page itself and its own embedded pictures was asked for."""
    complaints = [line for line in browser.console if "willReadFrequently" not in line and "GPU stall" not in line]
    foreign = [url for url in browser.requests if not url.startswith(("file:", "data:", "blob:", "about:"))]
    files = [url for url in browser.requests if url.startswith("file:")]
    return complaints, foreign, len(files)


def painted(browser, card, duration):
    browser.wait(f"""document.querySelector('#{card} canvas[data-duration="{duration}"]')?.dataset.painted""")
    found = browser.evaluate(PIXELS % (card, duration))
    return found["id"], np.array(found["data"], np.uint8).reshape(found["height"], found["width"], 4)[..., :3]


IMAGE = "<img src=x onerror='window.pwned = 1'>"


def rich(count=60):
    """A table with every kind of column; glitch 7 has a hostile id, and every 10th a hostile label."""
    rng = np.random.default_rng(4)
    table = pd.DataFrame(
        {
            "id": [f"H1_{row:04d}" for row in range(count)],
            "label": ["Blip" if row % 3 else "Koi_Fish" for row in range(count)],
            "ifo": np.array(["H1", "L1", "V1"])[rng.integers(0, 3, count)],
            "gps": 1126259462.0 + rng.permutation(count) * 1e5,
            "cluster": rng.integers(-1, 3, count),
            "p_wrong": rng.random(count).round(3),
            "snr": (7.5 * np.exp(rng.exponential(1.5, count))).round(3),
            "peak_frequency": rng.uniform(10, 2000, count).round(1),
        }
    )
    table.loc[7, "id"] = IMAGE
    table.loc[::10, "label"] = IMAGE
    table.loc[3, "snr"] = np.nan
    return table


def rich_page(count=60, **options):
    """The page of `rich`, in 3-D with a flat map of its own and exact neighbours."""
    points = coordinates(count)
    graph = neighbour_graph(points, 6)
    beside = BesideMap(coordinates(count, 2, seed=2), graph, audit="audit-123456789abc")
    given = {"color": "label", "title": "rich", "method": "t-SNE", "beside": beside, **options}
    return embedding_html(rich(count), points, thumbnails(count), **given)


def opened(browser, path, fragment="", **options):
    browser.open(path, fragment=fragment, **options)
    browser.wait(READY)
