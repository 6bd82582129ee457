FROM python:3.11
WORKDIR /code
COPY pyproject.toml README.md ./
COPY src ./src
RUN pip install --no-cache-dir '.[gpu,serve]'
USER root
CMD ["service", "--port=8000"]
