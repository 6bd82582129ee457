import io

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import pandas as pd
import seaborn
from sklearn.linear_model import LinearRegression

frame = pd.DataFrame({"x": [1, 2, 3, 4], "y": [2, 4, 6, 8]})
buffer = io.BytesIO()
frame.to_parquet(buffer)
frame = pd.read_parquet(buffer)
model = LinearRegression().fit(frame[["x"]], frame["y"])
seaborn.scatterplot(frame, x="x", y="y")
plt.savefig("/tmp/plot.png")
assert round(float(model.predict(pd.DataFrame({"x": [5]}))[0])) == 10
print("works")
