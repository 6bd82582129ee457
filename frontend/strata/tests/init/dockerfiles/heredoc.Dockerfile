FROM debian:trixie-slim
COPY requirements/ /tmp/requirements/
RUN <<EOT
set -e
apt-get update
apt-get install -y python3 python3-venv libgomp1
python3 -m venv /opt/venv
/opt/venv/bin/pip install -r /tmp/requirements/prod.txt
EOT
COPY <<EOT /etc/motd
hello
EOT
COPY app /srv/app
RUN python3 - <<EOT
from transformers import AutoModel, AutoTokenizer
AutoModel.from_pretrained("org/model", revision="v1")
AutoTokenizer.from_pretrained("org/model")
EOT
ONBUILD RUN true
CMD python3 -m app
