"""A copy of a model version as a CloudFormation resource: it knows neither crhelper nor Lambda."""
