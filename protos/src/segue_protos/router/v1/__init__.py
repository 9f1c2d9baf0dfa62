"""segue.router.v1: import ``router_pb2`` (messages) and ``router_pb2_grpc`` (stubs, servicer)."""
