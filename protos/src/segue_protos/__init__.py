"""Generated gRPC messages and stubs of segue.router.v1."""
