"""What runs beside requests for as long as the worker lives; each job's turns run in `periodic`."""
