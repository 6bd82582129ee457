# What `code.build` makes for production: a bind mount hides it. Not into the code, which is
# watched, and may not be this user's to write.
set -e
python -m grpc_tools.protoc --proto_path=. --python_out=/tmp --grpc_python_out=/tmp llm.proto
exec python server.py
