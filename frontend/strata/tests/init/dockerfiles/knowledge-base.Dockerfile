FROM python:3.11-slim
WORKDIR /app
ENV TRANSFORMERS_CACHE=/app/.cache/transformers
ENV HF_HOME /app/.cache/huggingface
ENV TORCH_HOME=/app/.cache/torch
RUN apt-get update && apt-get install -y libgl1 libglib2.0-0 && apt-get clean
COPY backend/requirements.txt ./requirements.txt
RUN pip install -r requirements.txt
COPY backend/ .
RUN python download_models.py
VOLUME ["/app/.cache"]
EXPOSE 8000/tcp
CMD uvicorn main:app --host 0.0.0.0 --port ${PORT:-8000}
