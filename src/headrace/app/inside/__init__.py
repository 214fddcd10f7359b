"""The inside of a gateway: what HTTP and console ask of the rest of Headrace, over the revision in force."""
