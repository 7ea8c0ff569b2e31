"""Text to trees and back."""
