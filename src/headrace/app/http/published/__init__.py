"""What is published of the API, made from the tables that the code goes by: OpenAPI, reference, schemas."""
