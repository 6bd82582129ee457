"""Print how many seconds the models take to be ready, imports among them, and the most memory."""

import json
import resource
import time


def main() -> None:
    start = time.perf_counter()
    from completion import completer
    from embedding import Embedder

    loaded = Embedder(), completer()
    seconds = time.perf_counter() - start
    # Weights that are mapped are read when they are used.
    loaded[0].embed("one")
    loaded[1].complete("one", 1)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"load_seconds": round(seconds, 2), "peak_megabytes": kilobytes // 1024}))


if __name__ == "__main__":
    main()
