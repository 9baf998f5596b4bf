"""End of turn: has the caller finished, judged by the sound of the last seconds?"""

from models.turn.smart_turn import SmartTurn

__all__ = ["SmartTurn"]
