"""A copy of a model version as a CloudFormation resource: plain Python that knows neither crhelper nor Lambda."""
