"""The contract suites of the ports: what every driver must do, ours and yours.

A suite is a class of tests for pytest with pytest-asyncio in auto mode. Derive from it, give the fixtures that it names, and run it::

    class TestMine(ChatModelContract):
        @pytest.fixture
        async def model(self): ...
"""
