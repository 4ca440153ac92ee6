"""A judge as a service: the server side."""
